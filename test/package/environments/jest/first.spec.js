const library = require('multi-agent-memory');
const { story } = require('../story.cjs');

test('remembers and recalls', () => story(library), 60_000);
