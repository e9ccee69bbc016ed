import { clusterHarness } from '../../triggers/nats/harness.ts';
import { conformance } from './suite.ts';

conformance(clusterHarness);
