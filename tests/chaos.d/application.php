<?php // The application of `tests/chaos --kill callback`: worker.py as a callback.
$calls = [];

function call(string $call, array $members): void {
	$GLOBALS['calls'][] = ['call' => $call] + $members;
}

function tell(string ...$words): void {
	call('publish', ['channel' => 'effects', 'data' => implode(' ', $words)]);
}

function hear(string $id, string $text): void {
	if ($text === 'audit') {
		call('subscribe', ['id' => $id, 'channel' => 'effects']);
		call('write', ['id' => $id, 'data' => 'audit']);
	} elseif ($text === 'bye') {
		call('close', ['id' => $id, 'code' => 3000, 'reason' => 'bye']);
	} else {
		call('write', ['id' => $id, 'data' => $text]);
		tell('did', $id, ...array_slice(explode(' ', $text), 0, 2));
	}
}

['connection' => ['id' => $id], 'events' => $events] = json_decode(file_get_contents('php://input'), true);
foreach ($events as $event)
	if ($event['event'] === 'data') hear($id, $event['data']);
	elseif (in_array($event['event'], ['connection', 'close'], true)) tell($event['event'], $id);
echo json_encode($calls);
