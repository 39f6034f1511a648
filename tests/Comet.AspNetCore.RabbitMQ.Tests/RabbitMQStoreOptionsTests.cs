using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.RabbitMQ.Tests;

/// <summary>Where the store's settings come from.</summary>
public class RabbitMQStoreOptionsTests
{
    [Fact]
    public void Configuration_has_the_last_word()
    {
        var options = Read(("Comet:RabbitMQ:Prefix", "configured"), ("ConnectionStrings:RabbitMQ", "amqp://configured"));

        Assert.Equal(("configured", 7, "amqp://configured"), (options.Prefix, options.Partitions, options.ConnectionString));
    }

    [Fact]
    public void A_time_that_reads_as_days_is_refused()
    {
        var error = Assert.Throws<OptionsValidationException>(() => Read(("Comet:RabbitMQ:Timeout", "24:00:00")));

        Assert.Equal(
            "Comet:RabbitMQ:Timeout is \"24:00:00\", which .NET reads as 24 days; " +
            "write \"1.00:00:00\" for 24 hours or \"24.00:00:00\" for 24 days.",
            error.Message);
    }

    [Theory]
    [InlineData("Partitions", "1025", "Comet:RabbitMQ:Partitions is 1025; it must be 1 to 1024 RabbitMQ streams.")]
    [InlineData("PartitionBytes", "1", "Comet:RabbitMQ:PartitionBytes is 1; it must be 1048576 to 1099511627776 bytes.")]
    [InlineData("RecentBytes", "-1", "Comet:RabbitMQ:RecentBytes is -1; it must be 0 to 4294967296 bytes.")]
    [InlineData("Timeout", "00:06:00", "Comet:RabbitMQ:Timeout is 00:06:00; it must be 00:00:00.1000000 to 00:05:00.")]
    [InlineData("Heartbeat", "00:00:00", "Comet:RabbitMQ:Heartbeat is 00:00:00; it must be 00:00:01 to 00:01:00.")]
    public void A_value_outside_its_range_is_refused_as_in_all_settings(string key, string value, string message)
    {
        var error = Assert.Throws<OptionsValidationException>(() =>
            Read(($"Comet:RabbitMQ:{key}", value), ("ConnectionStrings:RabbitMQ", "amqp://configured")));

        Assert.Equal(message, error.Message);
    }

    private static RabbitMQStoreOptions Read(params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        foreach (var (key, value) in settings)
        {
            builder.Configuration[key] = value;
        }
        builder.Services.AddCometRabbitMQ();
        builder.Services.AddCometRabbitMQ(
            options => (options.Prefix, options.Partitions, options.ConnectionString) = ("code", 7, "amqp://code"));
        using var services = builder.Services.BuildServiceProvider();
        return services.GetRequiredService<IOptions<RabbitMQStoreOptions>>().Value;
    }
}
