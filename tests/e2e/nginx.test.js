'use strict';

require('./lib/suite').run('nginx');
