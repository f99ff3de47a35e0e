#!/usr/bin/perl
# A chat with rooms. In sockjs.conf, in [service /chat]: program = perl /path/of/chat.pl
# chat.c as a worker: each line that comes is an event, each that goes is a call (doc/workers.md).
use v5.36;
use JSON::PP;

my $help = 'join a room by its name and yours; then say something, or leave';
my %people;  # who is in a room: id => [room, name]
my $json = JSON::PP->new->ascii->allow_nonref;

sub call($name, %members) { print $json->encode({call => $name, %members}), "\n" }

sub answer($id, %what) { call('write', id => $id, data => $json->encode({id => $id, %what})) }

sub tell_room($room, $about, %what) {
	call('publish', channel => $room, data => $json->encode({id => $about, %what}));
}

sub enter($id, $room, $name) {
	leave($id);
	$people{$id} = [$room, $name];
	call('state', id => $id, value => $people{$id});  # comes back with "resume"
	call('subscribe', id => $id, channel => $room);
	my %here = map { $people{$_}[0] eq $room ? ($_ => $people{$_}[1]) : () } keys %people;
	answer($id, names => \%here);
	tell_room($room, $id, joined => $name);
}

sub leave($id, $is_closed = 0) {
	my ($room, $name) = @{delete $people{$id} || return};
	call('state', id => $id, value => undef) unless $is_closed;
	call('unsubscribe', id => $id, channel => $room) unless $is_closed;
	tell_room($room, $id, left => $name);
}

sub hear($id, $text) {
	my $asked = eval { length $text <= 4096 && $json->decode($text) };
	my %asked = ref $asked eq 'HASH' ? %$asked : ();
	my ($room, $name, $said) = map { ref $_ ? undef : $_ } @asked{'join', 'name', 'say'};
	if (defined $room && defined $name) { enter($id, $room, $name) }
	elsif (defined $said && $people{$id}) { tell_room($people{$id}[0], $id, said => $said) }
	elsif ($asked{leave}) { leave($id) }
	else { answer($id, error => $help) }
}

while (my $line = <STDIN>) {
	my $event = JSON::PP->new->utf8->decode($line);
	my ($name, $id) = @$event{'event', 'id'};
	if ($name eq 'connection') { answer($id, welcome => $help, by => sprintf('Perl %vd', $^V)) }
	elsif ($name eq 'resume' && $event->{state}) { $people{$id} = $event->{state} }
	elsif ($name eq 'data') { hear($id, $event->{data} // '') }
	elsif ($name eq 'close') { leave($id, 1) }
	elsif ($name eq 'error') { warn "$event->{code}: $event->{message}\n" }
	call('ack', seq => $event->{seq}) if $event->{seq};
	STDOUT->flush;  # all at once
}
