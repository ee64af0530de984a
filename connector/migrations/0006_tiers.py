from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0005_ages")]

    initial = False

    operations = [
        ops.AddField(
            model_name="AccountRow",
            name="standing",
            field=fields.TextField(null=True),
        ),
        ops.AddField(
            model_name="AccountRow",
            name="tier",
            field=fields.CharField(null=True, max_length=100),
        ),
    ]
