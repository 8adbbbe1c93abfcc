export type { Authenticate } from '../shared/bearer-token';
export type { McpHttpOptions } from './http-options';
export { type McpServerOptions, memoryMcpServer } from './mcp-server';
export { type McpHttpServer, serveHttp } from './serve-http';
export { type McpStdioOptions, type McpStdioServer, serveStdio } from './serve-stdio';
