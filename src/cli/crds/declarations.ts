import type { z } from 'zod';
import { cronJobTriggerColumns, cronJobTriggerSpec, cronJobTriggerType } from '../../../triggers/cronjob/spec.ts';
import { kafkaTriggerSpec, kafkaTriggerType } from '../../../triggers/kafka/spec.ts';
import {
  watchCheckpointResource,
  watchCheckpointSpec,
  watchCheckpointType,
} from '../../../triggers/kubernetes/checkpoint.ts';
import {
  kubernetesTriggerColumns,
  kubernetesTriggerSpec,
  kubernetesTriggerType,
} from '../../../triggers/kubernetes/spec.ts';
import { natsTriggerSpec, natsTriggerType } from '../../../triggers/nats/spec.ts';
import { functionResource, functionSpec, functionType } from '../../domain/function.ts';
import type { ResourceType } from '../../domain/resource.ts';
import { triggerColumns } from '../served-types.ts';
import type { Declaration } from './crd.ts';
import { checkpointStatus, functionStatus, triggerStatus } from './status-schema.ts';

/** Every resource type of this project. */
export const declarations: readonly Declaration[] = [
  {
    type: functionType,
    description: 'A function: code for one of the runtimes, or the address of something that answers HTTP.',
    spec: functionSpec,
    status: functionStatus,
    columns: functionResource.columns,
  },
  topicTrigger(kafkaTriggerType, kafkaTriggerSpec, 'Calls functions with the events of a Kafka topic, at most once.'),
  topicTrigger(natsTriggerType, natsTriggerSpec, 'Calls functions with the messages of a NATS subject, at most once.'),
  {
    type: cronJobTriggerType,
    description: 'Calls functions on a schedule, each tick at most once on any number of replicas.',
    spec: cronJobTriggerSpec,
    rules: [
      {
        rule: 'has(self.functionSelector) != has(self.function__dash__name)',
        message: 'either function-name or functionSelector must say which functions to call',
      },
    ],
    status: triggerStatus,
    columns: triggerColumns(cronJobTriggerColumns),
  },
  {
    type: kubernetesTriggerType,
    description: 'Calls functions with the changes of objects of the API server, at most once.',
    spec: kubernetesTriggerSpec,
    status: triggerStatus,
    columns: triggerColumns(kubernetesTriggerColumns),
  },
  {
    type: watchCheckpointType,
    description: 'How far a watch is that KubernetesTriggers share: what is claimed for them. Not to be edited.',
    spec: watchCheckpointSpec,
    status: checkpointStatus,
    columns: watchCheckpointResource.columns,
  },
];

function topicTrigger(type: ResourceType, spec: z.ZodType, description: string): Declaration {
  return { type, description, spec, status: triggerStatus, columns: triggerColumns() };
}
