import { kubernetesHarness } from '../../triggers/kubernetes/harness.ts';
import { conformance } from './suite.ts';

conformance(kubernetesHarness);
