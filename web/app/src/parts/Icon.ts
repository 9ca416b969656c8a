import type { Component } from 'svelte';

/** An icon as @lucide/svelte has them. */
export type Icon = Component<{ size?: number | string; 'aria-hidden'?: 'true'; strokeWidth?: number | string }>;
