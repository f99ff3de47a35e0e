'use strict';

// The tests of channels, with two daemons wherever they start one, which share their channels by a
// Redis. Three are left to one daemon: fanout counts the instructions of one process; sockjsctl says
// more of several (daemons.test.js has that); the chats of workers_examples remember who is in a
// room in the process of one daemon.

require('./lib/engine_suites').run(['pusher', 'pusher_js', 'pusher_js_stacks', 'webhooks', 'workers', 'worker_callback', 'app_path', 'examples', 'channels_doc'], { daemons: 2 });
