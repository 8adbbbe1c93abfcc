// Made by build/build-model.ts. Do not edit: npm run build:model
export const modelHash = '4f9fda5a6f5be1c2d84a3b815b80c8d2f4021a3c6c703395a7313f5b7be372d0';
export const modelDimensions = 256;
