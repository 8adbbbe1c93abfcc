import { addMemory } from './add-memory';
import { deleteMemory } from './delete-memory';
import { getMemory } from './get-memory';
import { listMemories } from './list-memories';
import type { McpTool } from './mcp-tool';
import { searchMemories } from './search-memories';
import { updateMemory } from './update-memory';

/** All tools, in the order in which clients list them. */
export const tools: readonly McpTool[] = [
  addMemory,
  searchMemories,
  getMemory,
  listMemories,
  updateMemory,
  deleteMemory,
];
