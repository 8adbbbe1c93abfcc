export default { serverExternalPackages: ['multi-agent-memory'] };
