from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0016_acts")]

    initial = False

    operations = [
        ops.AddField(
            model_name="DecisionRow",
            name="body",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name="DecisionRow",
            name="mailbox",
            field=fields.BinaryField(null=True),
        ),
        ops.AddField(
            model_name="LinkRow",
            name="batch",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(
            model_name="LinkRow",
            name="mailbox",
            field=fields.BinaryField(null=True),
        ),
    ]
