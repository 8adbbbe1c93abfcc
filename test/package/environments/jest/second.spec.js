const library = require('multi-agent-memory');
const { story } = require('../story.cjs');

// In the same process as the first file, whose context has loaded the native part of SQLite.
test('remembers and recalls', () => story(library), 60_000);
