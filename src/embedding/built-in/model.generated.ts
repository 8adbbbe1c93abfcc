// Made by build/build-model.ts. Do not edit: npm run build:model
export const modelHash = 'b1592a93b543d563428022689027a575d5427fdf1d616ee8ed8df9aa97948439';
export const modelDimensions = 256;
