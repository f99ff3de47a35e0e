<?php
// Where pusher-js and Laravel Echo ask whether a visitor may subscribe (channelAuthorization), and
// who the visitor is (userAuthentication, for signin). The answer is signed with the secret of the
// [app], which no browser may see.
$key = getenv('CHANNELS_KEY') ?: 'mykey';
$secret = trim(file_get_contents(getenv('CHANNELS_SECRET_FILE') ?: '/etc/sockjs-fcgi/app1.secret'));

session_start();
$user = $_SESSION['user'] ?? null; // what your login has put there: ['id' => '7', 'name' => 'Ann']
$socket = $_POST['socket_id'] ?? '';
$channel = $_POST['channel_name'] ?? null;

// Here your site decides. This one has channels for all who are logged in, and one for each alone.
function may_read(array $user, string $channel): bool {
	return preg_match('/^(private|presence)-(all|news)$/D', $channel) || $channel === "private-user.$user[id]";
}

function refuse(string $why): never {
	http_response_code(403);
	exit($why);
}

if ($user === null) refuse('You are not logged in.');
// Else a text could be signed that means something else.
if (!preg_match('/^\d+\.\d+$/D', $socket)) refuse('This is no socket_id.');
if ($channel !== null && !may_read($user, $channel)) refuse('You may not read this channel.');

$member = json_encode(['user_id' => (string)$user['id'], 'user_info' => ['name' => $user['name']]], JSON_UNESCAPED_UNICODE);
$signin = json_encode(['id' => (string)$user['id'], 'name' => $user['name']], JSON_UNESCAPED_UNICODE);
[$text, $answer] = match (true) {
	$channel === null => ["$socket::user::$signin", ['user_data' => $signin]],
	str_starts_with($channel, 'presence-') => ["$socket:$channel:$member", ['channel_data' => $member]],
	default => ["$socket:$channel", []],
};
header('Content-Type: application/json');
echo json_encode(['auth' => "$key:" . hash_hmac('sha256', $text, $secret)] + $answer);
