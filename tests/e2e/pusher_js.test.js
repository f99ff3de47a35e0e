'use strict';

// pusher-js and laravel-echo in node, against the daemon alone.

const { register } = require('./client/pusher_js');

register('direct');
