const memory = require('multi-agent-memory');
const testing = require('multi-agent-memory/testing');

// Packages that take long to load are loaded when they are first needed.
const heavy = /node_modules.(@lancedb|apache-arrow|@xenova|onnxruntime|@huggingface)/;
const early = Object.keys(require.cache).filter((file) => heavy.test(file));
if (early.length > 0) throw new Error(`loaded before any use: ${early[0]}`);

import('./check.mjs').then(({ check }) => check(memory, testing));
