using System.Diagnostics.Metrics;
using System.Reflection;
using System.Text.RegularExpressions;
using Comet.AspNetCore;
using Comet.DocsTests.Documents;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Comet.DocsTests;

/// <summary>What docs/operations.md says of metrics and log messages.</summary>
public partial class ObservabilityTests
{
    private static readonly string Text = string.Join('\n', Document.Get("docs/operations.md").Lines);

    [Fact]
    public void Every_log_message_stands_there_with_its_id()
    {
        Type[] ofEachPackage = [typeof(CometOptions), typeof(CometSqliteServiceCollectionExtensions), typeof(RabbitMQStoreOptions)];
        var real =
            from package in ofEachPackage
            from type in package.Assembly.GetTypes()
            from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            let message = method.GetCustomAttribute<LoggerMessageAttribute>()
            where message is not null
            select $"{message.EventId} `{message.EventName}`";

        Assert.Equal(real.Distinct().Order(), LogMessage().Matches(Text).Select(match => match.Value).Distinct().Order());
    }

    [Fact]
    public async Task Every_instrument_stands_there()
    {
        var real = new List<string>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) => Add(instrument) };
        listener.Start();
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        services.AddSingleton<IHostApplicationLifetime, Lifetime>();
        services.AddLogging().AddMetrics().AddFeed<string>("feed").AddControllers();
        await using var provider = services.BuildServiceProvider();

        await provider.GetRequiredService<Feed<string>>().PublishAsync("a message");

        Assert.Equal(real.Distinct().Order(), Instrument().Matches(Text).Select(match => match.Groups[1].Value).Distinct().Order());

        void Add(Instrument instrument)
        {
            if (instrument.Meter.Name == "Comet.AspNetCore")
            {
                real.Add(instrument.Name);
            }
        }
    }

    private sealed class Lifetime : IHostApplicationLifetime
    {
        public CancellationToken ApplicationStarted => default;

        public CancellationToken ApplicationStopping => default;

        public CancellationToken ApplicationStopped => default;

        public void StopApplication() => throw new NotSupportedException();
    }

    [GeneratedRegex(@"\d+ `[A-Z]\w+`")]
    private static partial Regex LogMessage();

    [GeneratedRegex(@"`(comet\.[a-z.]+)`")]
    private static partial Regex Instrument();
}
