<?php
// The smallest worker: sends back what it hears.
while (($line = fgets(STDIN)) !== false) {
    $event = json_decode($line, true);
    $calls = [];
    if ($event['event'] === 'data')
        $calls[] = ['call' => 'write', 'id' => $event['id'], 'data' => $event['data']];
    if (isset($event['seq']))
        $calls[] = ['call' => 'ack', 'seq' => $event['seq']];
    fwrite(STDOUT, implode("\n", array_map('json_encode', $calls)) . "\n");
}
