export { MemoryHandleStore, type MemoryHandleStoreOptions } from './memory-handle-store';
