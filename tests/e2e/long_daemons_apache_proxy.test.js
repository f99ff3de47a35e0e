'use strict';

require('./lib/suite').run('apache-proxy', { daemons: 3 });
