import { en } from '../en/en';
export const de = en;
