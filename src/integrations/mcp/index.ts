export type { Authenticate } from './bearer';
export type { HttpOptions } from './http-options';
export { type HttpServing, serveHttp } from './serve-http';
export { type StdioOptions, type StdioServing, serveStdio } from './serve-stdio';
export { type McpServerOptions, memoryMcpServer } from './server';
