import { addMemory } from './add-memory';
import { deleteMemory } from './delete-memory';
import { getMemory } from './get-memory';
import { listMemories } from './list-memories';
import { searchMemories } from './search-memories';
import type { Tool } from './tool';
import { updateMemory } from './update-memory';

/** Every tool, in the order in which clients are shown them. */
export const tools: readonly Tool[] = [addMemory, searchMemories, getMemory, listMemories, updateMemory, deleteMemory];
