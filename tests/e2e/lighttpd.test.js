'use strict';

require('./lib/suite').run('lighttpd');
