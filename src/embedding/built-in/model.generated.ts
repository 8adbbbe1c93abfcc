// Made by build/build-model.ts. Do not edit: npm run build:model
export const modelHash = '';
export const modelDimensions = 256;
