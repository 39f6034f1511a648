using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Reflection;
using Comet.AspNetCore;
using Comet.DocsTests.Documents;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Comet.DocsTests;

/// <summary>What docs/operations.md says of metrics and log messages.</summary>
public class ObservabilityTests
{
    private const string CallersLevel = "yours, debug if none is named";

    private static readonly Dictionary<string, string> Units = new()
    {
        ["s"] = "s",
        ["By"] = "bytes",
        ["{stream}"] = "streams",
        ["{request}"] = "requests",
        ["{message}"] = "messages",
    };

    private static readonly Document Operations = Document.Get("docs/operations.md");

    private static readonly Assembly[] Packages =
        [typeof(CometOptions).Assembly, typeof(CometSqliteServiceCollectionExtensions).Assembly, typeof(RabbitMQStoreOptions).Assembly];

    [Fact]
    public void Every_log_message_stands_there_with_its_id_and_level()
    {
        var real =
            from package in Packages
            from type in package.GetTypes()
            from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            let message = method.GetCustomAttribute<LoggerMessageAttribute>()
            where message is not null
            select $"{message.EventId} `{message.EventName}`: {LevelOf(message)}";
        var documented =
            from row in Operations.TableAfter("<!-- log messages -->")
            let messages = row[1].Split(", ")
            let levels = row[2] == CallersLevel ? [CallersLevel] : row[2].Split(", ")
            from i in Enumerable.Range(0, messages.Length)
            select $"{messages[i]}: {(levels.Length == 1 ? levels[0] : levels[i])}";

        Assert.Equal(real.Order(), documented.Order());

        static string LevelOf(LoggerMessageAttribute message) =>
            message.Level == LogLevel.None ? CallersLevel : message.Level.ToString().ToLowerInvariant();
    }

    [Fact]
    public void Every_log_category_is_a_type()
    {
        var categories = Operations.TableAfter("<!-- log messages -->")
            .Select(row => row[0]).Where(cell => cell.StartsWith('`')).Select(cell => cell.Trim('`')).ToList();

        Assert.Equal(6, categories.Count);
        Assert.All(categories, category => Assert.Contains(Packages, package => package.GetType(category) is not null));
    }

    [Fact]
    public void Every_end_reason_stands_there()
    {
        var type = typeof(CometOptions).Assembly.GetType("Comet.AspNetCore.Connections.EndReason", throwOnError: true)!;
        var comesBack = type.GetProperty("ComesBack", BindingFlags.Instance | BindingFlags.NonPublic)!;
        var real =
            from field in type.GetFields(BindingFlags.Static | BindingFlags.NonPublic)
            where field.FieldType == type
            let reason = field.GetValue(null)!
            select $"`{reason}`: {((bool)comesBack.GetValue(reason)! ? "yes" : "no")}";

        Assert.Equal(real.Order(), Operations.TableAfter("<!-- end reasons -->").Select(row => $"{row[0]}: {row[1]}").Order());
    }

    [Fact]
    public void Every_rejection_stands_there_with_its_status()
    {
        var type = typeof(CometOptions).Assembly.GetType("Comet.AspNetCore.Connections.Rejection", throwOnError: true)!;
        var constants =
            from field in type.GetFields(BindingFlags.Static | BindingFlags.NonPublic)
            where field.FieldType == type
            select field.GetValue(null)!;
        var later =
            from method in type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic)
            where method.ReturnType == type
            select method.Invoke(null, [TimeSpan.FromSeconds(1)])!;
        var real =
            from rejection in constants.Concat(later)
            select $"`{Of(rejection, "Reason")}`: {Of(rejection, "Status")}";

        Assert.Equal(real.Order(), Operations.TableAfter("<!-- rejections -->").Select(row => $"{row[0]}: {row[1]}").Order());

        object Of(object rejection, string name) => type.GetProperty(name)!.GetValue(rejection)!;
    }

    [Fact]
    public async Task Every_instrument_stands_there_with_its_unit()
    {
        var real = new ConcurrentDictionary<string, byte>(); // other tests' apps have the same instruments, at the same time
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) => Add(instrument) };
        listener.Start();
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        services.AddSingleton<IHostApplicationLifetime, Lifetime>();
        services.AddLogging().AddMetrics().AddFeed<string>("feed").AddControllers();
        await using var provider = services.BuildServiceProvider();

        await provider.GetRequiredService<Feed<string>>().PublishAsync("a message");

        var documented = Operations.TableAfter("<!-- metrics -->").Select(row => $"{row[0]}: {row[1].Split(';')[0]}");
        Assert.Equal(real.Keys.Order(), documented.Order());

        void Add(Instrument instrument)
        {
            if (instrument.Meter.Name == "Comet.AspNetCore")
            {
                real.TryAdd($"`{instrument.Name}`: {Units[instrument.Unit!]}", 0);
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
}
