import { en } from '../en/en';
export const ar = en;
