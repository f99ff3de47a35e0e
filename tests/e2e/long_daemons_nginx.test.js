'use strict';

require('./lib/suite').run('nginx', { daemons: 2 });
