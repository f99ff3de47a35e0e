'use strict';

require('./lib/suite').run('htaccess', { daemons: 2 });
