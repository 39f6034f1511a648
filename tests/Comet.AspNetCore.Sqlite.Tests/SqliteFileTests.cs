using System.Globalization;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>The base of tests that use a file, in a directory of its own for each test.</summary>
public abstract class SqliteFileTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("comet-");

    protected SqliteFileTests() => File = Path.Combine(_directory.FullName, "comet.db");

    protected static FeedRetention Plenty { get; } = new(1_000_000, 1L << 30, TimeSpan.FromDays(1));

    protected string Home => _directory.FullName;

    protected string File { get; set; }

    public virtual void Dispose()
    {
        _directory.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// How long a server waits for a lock, in seconds, where it waits in vain; elsewhere for <see cref="Eventually.Patience"/>.
    /// </summary>
    private protected const int Brief = 1;

    private protected Task<StoreHost> StartAsync(TimeProvider? time = null, int? timeoutSeconds = null, ILoggerProvider? log = null) =>
        StoreHost.StartAsync(builder =>
        {
            var connectionString = $"Data Source={File};Default Timeout={timeoutSeconds ?? Eventually.Patience.TotalSeconds}";
            builder.Configuration.AddInMemoryCollection([new("ConnectionStrings:Comet", connectionString)]);
            if (log is not null)
            {
                builder.Logging.AddProvider(log);
            }
            if (time is not null)
            {
                builder.Services.Replace(ServiceDescriptor.Singleton(time));
            }
            builder.Services.AddCometSqlite();
        });

    private protected static Task<IFeedLog> OpenAsync(
        StoreHost host,
        IFeedTail tail,
        FeedRetention? retention = null,
        string feed = "feed") =>
        host.Store.OpenAsync(FeedName.Parse(feed), retention ?? Plenty, tail, TestContext.Current.CancellationToken)
            .AsTask()
            .WithPatience();

    private protected static Task<FeedPosition> AppendAsync(IFeedLog log, long number) =>
        log.AppendAsync(Payloads.Of(number), CancellationToken.None).AsTask().WithPatience();

    /// <summary>Appends numbers from 0 on, all at once.</summary>
    private protected static Task<FeedPosition[]> AppendManyAsync(IFeedLog log, int count) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(number => AppendAsync(log, number)));

    private protected static async Task<List<long>> ReadAllAsync(IFeedLog log)
    {
        var (numbers, after) = (new List<long>(), 0L);
        while (await log.ReadAsync(after, 1000, CancellationToken.None) is { Entries: { Count: > 0 } entries })
        {
            numbers.AddRange(entries.Select(entry => long.Parse(entry.Payload.Span, CultureInfo.InvariantCulture)));
            after = entries[^1].Offset;
        }
        return numbers;
    }

    /// <summary>Repeats a call until the store works again by itself.</summary>
    private protected static async Task<T> RecoverAsync<T>(Func<Task<T>> call)
    {
        var deadline = DateTime.UtcNow + Eventually.Patience;
        while (true)
        {
            try
            {
                return await call();
            }
            catch (FeedUnavailableException) when (DateTime.UtcNow < deadline)
            {
                await Task.Delay(50);
            }
        }
    }

    private protected object? Query(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    /// <summary>Lets minutes go by until the file has no more feeds than these.</summary>
    private protected Task FeedsAreRemovedAsync(ManualTime time, long allBut = 0) => Eventually.HoldsAsync(
        () =>
        {
            time.Advance(TimeSpan.FromMinutes(1));
            return Query("SELECT count(*) FROM feeds") is long count && count == allBut;
        },
        $"all feeds but {allBut} are removed");

    /// <summary>A transaction of another program that reads, and so keeps the WAL as it is until it is disposed.</summary>
    private protected IDisposable Snapshot()
    {
        var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "BEGIN; SELECT count(*) FROM entries";
        command.ExecuteScalar();
        return connection;
    }

    /// <summary>A transaction of another program that keeps everybody else from writing until it is disposed.</summary>
    private protected IDisposable LockFile()
    {
        var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        _ = connection.BeginTransaction(deferred: false);
        return connection;
    }

    private protected static string[] StoreEvents(RecordedLog messages) =>
        [.. messages.Entries.Select(entry => entry.EventId.Name ?? "").Where(name => name.StartsWith("Sqlite", StringComparison.Ordinal))];

    /// <summary>Asserts that the call fails with this reason, and readiness with the same.</summary>
    private protected async Task FailsAsync<T>(StoreHost host, Func<Task<T>> call, string reason, bool staysUnready = true)
    {
        var exception = await Assert.ThrowsAsync<FeedUnavailableException>(call);
        Assert.Contains(reason, exception.Message);
        Assert.StartsWith(File, exception.Message.Replace("There is no space left for ", ""));
        if (staysUnready)
        {
            Assert.Equal(exception.Message, await host.UnreadinessAsync());
        }
    }
}
