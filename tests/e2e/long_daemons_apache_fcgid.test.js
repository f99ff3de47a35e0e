'use strict';

require('./lib/suite').run('apache-fcgid', { daemons: 2 });
