<?php
// publish($channel, $text): publishes a text over the daemon's control socket.
function publish(string $channel, string $text): array {
	$daemon = stream_socket_client('unix://' . (getenv('SOCKJS_CONTROL') ?: '/run/sockjs-fcgi/control.sock'));
	$body = json_encode(['channel' => $channel, 'data' => $text]);
	fwrite($daemon, "POST /publish HTTP/1.0\r\nContent-Length: " . strlen($body) . "\r\n\r\n$body");
	[$head, $answer] = explode("\r\n\r\n", stream_get_contents($daemon), 2);
	if (!preg_match('#^HTTP/1\.\d 200 #', $head)) throw new Exception($answer);
	return json_decode($answer, true); // ['offset' => 7, 'epoch' => '...']
}
if (PHP_SAPI === 'cli') echo json_encode(publish($argv[1], $argv[2])), "\n";
