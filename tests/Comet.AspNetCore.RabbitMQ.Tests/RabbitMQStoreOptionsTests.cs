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
            "Comet:RabbitMQ:Timeout is \"24:00:00\", which .NET reads as 24 days; write \"1.00:00:00\" for 24 hours or \"24.00:00:00\" for 24 days.",
            error.Message);
    }

    private static RabbitMQStoreOptions Read(params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        foreach (var (key, value) in settings)
        {
            builder.Configuration[key] = value;
        }
        builder.Services.AddCometRabbitMQ();
        builder.Services.AddCometRabbitMQ(options => (options.Prefix, options.Partitions, options.ConnectionString) = ("code", 7, "amqp://code"));
        using var services = builder.Services.BuildServiceProvider();
        return services.GetRequiredService<IOptions<RabbitMQStoreOptions>>().Value;
    }
}
