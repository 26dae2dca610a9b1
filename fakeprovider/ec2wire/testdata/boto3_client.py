"""Calls the fake EC2 by way of boto3 and prints what it saw, one JSON object, for the test beside it to judge."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

AMI = "ami-0b007ace000000001"

ec2 = boto3.client(
    "ec2",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="AKIDBOTO3",
    aws_secret_access_key="secret",
    config=Config(retries={"mode": "standard", "max_attempts": 5}),
)
saw = {}


def code(call, **arguments):
    """Returns EC2's code for the error of a call, and its HTTP status."""
    try:
        call(**arguments)
        return "no error"
    except ClientError as e:
        return "%d %s" % (e.response["ResponseMetadata"]["HTTPStatusCode"], e.response["Error"]["Code"])


launch = dict(ImageId=AMI, MinCount=1, MaxCount=1, ClientToken="boto3-1", UserData="#!/bin/sh\necho hi\n",
              TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "role", "Value": "one"}]}])
first = ec2.run_instances(**launch)["Instances"][0]
machine = first["InstanceId"]
saw["launched"] = first["State"]["Name"]
saw["same"] = ec2.run_instances(**launch)["Instances"][0]["InstanceId"] == machine
saw["mismatch"] = code(ec2.run_instances, **dict(launch, MaxCount=2))
saw["dry run"] = code(ec2.run_instances, ImageId=AMI, MinCount=1, MaxCount=1, DryRun=True)
ec2.run_instances(ImageId=AMI, MinCount=11, MaxCount=11)

ec2.get_waiter("instance_running").wait(InstanceIds=[machine], WaiterConfig={"Delay": 0, "MaxAttempts": 200})
ec2.get_waiter("instance_status_ok").wait(InstanceIds=[machine], WaiterConfig={"Delay": 0, "MaxAttempts": 200})
pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
saw["pages"] = [sum(len(r["Instances"]) for r in p["Reservations"]) for p in pages]
found = ec2.describe_instances(Filters=[{"Name": "tag:role", "Values": ["o*"]},
                                        {"Name": "instance-state-name", "Values": ["running"]}])
saw["filtered"] = [i["InstanceId"] for r in found["Reservations"] for i in r["Instances"]] == [machine]
ec2.create_tags(Resources=[machine], Tags=[{"Key": "more", "Value": "<&> ü"}])
saw["tags"] = {t["Key"]: t["Value"] for t in ec2.describe_tags(
    Filters=[{"Name": "resource-id", "Values": [machine]}])["Tags"]}
saw["console"] = ec2.get_console_output(InstanceId=machine).get("Output", "")
saw["stopped"] = ec2.stop_instances(InstanceIds=[machine])["StoppingInstances"][0]["CurrentState"]["Name"]
ec2.get_waiter("instance_stopped").wait(InstanceIds=[machine], WaiterConfig={"Delay": 0, "MaxAttempts": 200})
saw["started"] = ec2.start_instances(InstanceIds=[machine])["StartingInstances"][0]["CurrentState"]["Name"]
saw["ended"] = ec2.terminate_instances(InstanceIds=[machine])["TerminatingInstances"][0]["CurrentState"]["Name"]
ec2.get_waiter("instance_terminated").wait(InstanceIds=[machine], WaiterConfig={"Delay": 0, "MaxAttempts": 200})
try:
    ec2.get_waiter("instance_running").wait(InstanceIds=[machine], WaiterConfig={"Delay": 0, "MaxAttempts": 5})
    saw["waiting for the dead"] = "no error"
except WaiterError as e:
    saw["waiting for the dead"] = "error" if "terminal failure" in str(e) else str(e)
saw["unknown"] = code(ec2.describe_instances, InstanceIds=["i-12345678"])
saw["malformed"] = code(ec2.describe_instances, InstanceIds=["machine"])
saw["unknown action"] = code(ec2.describe_addresses)
json.dump(saw, sys.stdout)
