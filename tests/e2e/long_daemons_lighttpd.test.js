'use strict';

require('./lib/suite').run('lighttpd', { daemons: 2 });
