<?php
// What the form of channels.html posts to, where there is PHP. Everybody may publish a text here; a
// site of your own asks first who that is.
if ($_SERVER['REQUEST_METHOD'] !== 'POST') exit(json_encode(['php' => PHP_VERSION]));

$body = json_encode(['app' => 'demo', 'channel' => 'presence-demo', 'event' => 'message',
	'data' => json_encode(['text' => substr($_POST['text'] ?? '', 0, 2000)], JSON_INVALID_UTF8_SUBSTITUTE)]);
$daemon = @stream_socket_client('unix://' . (getenv('SOCKJS_CONTROL') ?: '/run/sockjs-fcgi/control.sock'));
if ($daemon) fwrite($daemon, "POST /publish HTTP/1.0\r\nContent-Length: " . strlen($body) . "\r\n\r\n$body");
[$head, $answer] = explode("\r\n\r\n", ($daemon ? stream_get_contents($daemon) : '') . "\r\n\r\n", 2);
header('Content-Type: text/plain; charset=utf-8');
if (preg_match('#^HTTP/1\.\d 200 #', $head)) exit('Published: ' . trim($answer));
http_response_code(503);
echo 'Not published: ' . (trim($answer) ?: 'the control socket of sockjs-sessiond cannot be opened.');
