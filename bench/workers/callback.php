<?php
// The smallest callback: sends back what it hears.
$request = json_decode(file_get_contents('php://input'), true);
$calls = [];
foreach ($request['events'] as $event)
    if ($event['event'] === 'data')
        $calls[] = ['call' => 'write', 'id' => $request['connection']['id'], 'data' => $event['data']];
header('Content-Type: application/json');
echo json_encode($calls);
