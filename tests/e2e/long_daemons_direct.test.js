'use strict';

require('./lib/suite').run('direct', { daemons: 3 });
