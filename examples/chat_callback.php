<?php // A chat with rooms, for PHP-FPM. In sockjs.conf, in [service /chat]:
// callback = fastcgi:/run/php/php8.2-fpm.sock /path/of/chat_callback.php
// chat.c as a callback: events of one connection come in, and the answer is calls (doc/workers.md).
// Keep it out of the folders of the site: who can send it events can say anything to anybody.

const HELP = 'join a room by its name and yours; then say something, or leave';
$calls = [];

function call(string $call, array $members): void {
	$GLOBALS['calls'][] = ['call' => $call] + $members;
}

function answer(string $id, array $what): void {
	call('write', ['id' => $id, 'data' => json_encode(['id' => $id] + $what)]);
}

function tellRoom(string $room, string $about, array $what): void {
	call('publish', ['channel' => $room, 'data' => json_encode(['id' => $about] + $what)]);
}

// Notes for all requests where a person is: [room, name], or null. Returns where everybody is.
function note(string $id, ?array $at): array {
	$file = fopen(sys_get_temp_dir() . '/sockjs-chat.json', 'c+');
	flock($file, LOCK_EX);
	$people = [$id => $at] + (json_decode(stream_get_contents($file), true) ?: []);
	ftruncate($file, 0);
	rewind($file);
	fwrite($file, json_encode((object)array_filter($people)));
	return array_filter($people);
}

function move(string $id, ?array $from, ?array $to): ?array {
	$people = note($id, $to);
	if ($from) call('unsubscribe', ['id' => $id, 'channel' => $from[0]]);
	if ($from) tellRoom($from[0], $id, ['left' => $from[1]]);
	call('state', ['id' => $id, 'value' => $to]); // comes with the next request
	if (!$to) return null;
	call('subscribe', ['id' => $id, 'channel' => $to[0]]);
	$here = array_filter($people, fn($person) => $person[0] === $to[0]);
	answer($id, ['names' => (object)array_map(fn($person) => $person[1], $here)]);
	tellRoom($to[0], $id, ['joined' => $to[1]]);
	return $to;
}

['connection' => ['id' => $id], 'state' => $at, 'events' => $events] =
	json_decode(file_get_contents('php://input'), true);
foreach ($events as $got) {
	$asked = json_decode(substr($got['data'] ?? '', 0, 4096), true); // what is cut is no JSON
	$has = fn($key) => is_string($asked[$key] ?? null);
	$by = 'PHP ' . PHP_VERSION . ', ' . PHP_SAPI;
	if ($got['event'] === 'connection') answer($id, ['welcome' => HELP, 'by' => $by]);
	elseif ($has('join') && $has('name')) $at = move($id, $at, [$asked['join'], $asked['name']]);
	elseif ($has('say') && $at) tellRoom($at[0], $id, ['said' => $asked['say']]);
	elseif ($at && (isset($asked['leave']) || $got['event'] === 'close')) $at = move($id, $at, null);
	elseif ($got['event'] === 'data') answer($id, ['error' => HELP]);
}
echo json_encode($calls);
