// A program in CommonJS that uses the packed library.
import assert = require('node:assert');
import client = require('runlet/client');

assert.equal(typeof client.connect, 'function');
