"""The Lambda `emit-lineage`: OpenLineage events of the pipeline and of its stages. Standard library only.

EventBridge calls it, so that nothing which goes wrong here can fail a job. https://openlineage.io/docs/spec/object-model
"""
