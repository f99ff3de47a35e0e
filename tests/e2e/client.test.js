'use strict';

// sockjs-client against sessiond alone.

const { register } = require('./client/sockjs_client');

register('direct');
