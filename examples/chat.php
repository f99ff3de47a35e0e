<?php // A chat with rooms. In sockjs.conf, in [service /chat]: program = php /path/of/chat.php
// chat.c as a worker: each line that comes is an event, each that goes is a call (doc/workers.md).
const HELP = 'join a room by its name and yours; then say something, or leave';
$people = []; // who is in a room: id => [room, name]

function call(string $call, array $members): void {
	echo json_encode(['call' => $call] + $members), "\n";
}

function answer(string $id, array $what): void {
	call('write', ['id' => $id, 'data' => json_encode(['id' => $id] + $what)]);
}

function tellRoom(string $room, string $about, array $what): void {
	call('publish', ['channel' => $room, 'data' => json_encode(['id' => $about] + $what)]);
}

function enter(string $id, string $room, string $name): void {
	global $people;
	leave($id);
	$people[$id] = [$room, $name];
	call('state', ['id' => $id, 'value' => $people[$id]]); // comes back with "resume"
	call('subscribe', ['id' => $id, 'channel' => $room]);
	$here = array_filter($people, fn($person) => $person[0] === $room);
	answer($id, ['names' => (object)array_map(fn($person) => $person[1], $here)]);
	tellRoom($room, $id, ['joined' => $name]);
}

function leave(string $id, bool $isClosed = false): void {
	global $people;
	if (!isset($people[$id])) return;
	[$room, $name] = $people[$id];
	unset($people[$id]);
	if (!$isClosed) call('state', ['id' => $id, 'value' => null]);
	if (!$isClosed) call('unsubscribe', ['id' => $id, 'channel' => $room]);
	tellRoom($room, $id, ['left' => $name]);
}

function hear(string $id, string $text): void {
	$asked = strlen($text) <= 4096 ? json_decode($text, true) : null;
	$room = $GLOBALS['people'][$id][0] ?? null;
	$has = fn($key) => is_string($asked[$key] ?? null);
	if ($has('join') && $has('name')) enter($id, $asked['join'], $asked['name']);
	elseif ($has('say') && $room !== null) tellRoom($room, $id, ['said' => $asked['say']]);
	elseif (isset($asked['leave'])) leave($id);
	else answer($id, ['error' => HELP]);
}

ob_start(); // what an event causes leaves at once, with its ack
for ($lines = fopen('php://stdin', 'r'); ($line = fgets($lines)) !== false; ob_flush()) {
	['event' => $event, 'id' => $id] = $got = json_decode($line, true) + ['id' => ''];
	if ($event === 'connection') answer($id, ['welcome' => HELP, 'by' => 'PHP ' . PHP_VERSION]);
	elseif ($event === 'resume' && $got['state']) $people[$id] = $got['state'];
	elseif ($event === 'data') hear($id, $got['data'] ?? '');
	elseif ($event === 'close') leave($id, true);
	elseif ($event === 'error') error_log("$got[code]: $got[message]");
	if (isset($got['seq'])) call('ack', ['seq' => $got['seq']]);
}
