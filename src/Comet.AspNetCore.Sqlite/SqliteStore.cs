using Comet.AspNetCore.Stores;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Sqlite;

/// <summary>Keeps logs in one SQLite file, which belongs to this process alone.</summary>
internal sealed class SqliteStore : IFeedStore, IAsyncDisposable
{
    // How long to wait for the transaction of another program, unless the connection string says something else.
    private const int DefaultTimeoutSeconds = 5;

    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan ProbePeriod = TimeSpan.FromSeconds(1);

    private readonly SqliteWriter _writer;
    private readonly TimeProvider _time;
    private readonly ITimer _sweep;

    public SqliteStore(IOptions<SqliteStoreOptions> options, IHostEnvironment environment, TimeProvider time, ILogger<SqliteStore> logger)
    {
        var settings = new SqliteConnectionStringBuilder(options.Value.ConnectionString)
        {
            Pooling = false,
            Cache = SqliteCacheMode.Private,
        };
        settings.DataSource = Path.GetFullPath(settings.DataSource, environment.ContentRootPath);
        if (!settings.ShouldSerialize("Default Timeout"))
        {
            settings.DefaultTimeout = DefaultTimeoutSeconds;
        }
        _time = time;
        _writer = new SqliteWriter(settings.ConnectionString, settings.DataSource, time, logger);
        _sweep = time.CreateTimer(_ => _writer.TryEnqueue(new SqliteSweep()), null, TimeSpan.Zero, SweepPeriod);
    }

    public bool CanReadBack => true;

    public async ValueTask<IFeedLog> OpenAsync(FeedName feed, FeedRetention retention, IFeedTail tail, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var open = new SqliteOpen(feed.ToString(), retention, tail);
        _writer.Enqueue(open);
        try
        {
            return new SqliteFeedLog(_writer, await open.Completion.WaitAsync(cancellationToken), tail);
        }
        catch (OperationCanceledException)
        {
            _ = CloseAsync(open.Completion, tail);
            throw;
        }
    }

    public async ValueTask<bool> ExistsAsync(FeedName feed, FeedRetention retention, CancellationToken cancellationToken)
    {
        if (!_writer.IsFileOpen)
        {
            var opening = new SqliteFileOpening();
            _writer.Enqueue(opening);
            await opening.Completion.WaitAsync(cancellationToken);
        }
        var newest = await _writer.ReadAsync(reader => reader.Newest(feed.ToString()), cancellationToken);
        return newest >= _time.GetUtcNow() - retention.Age;
    }

    /// <summary>Checks that the file can be written, unless something was stored within the last second.</summary>
    /// <exception cref="FeedUnavailableException">It cannot be written.</exception>
    internal async Task ProbeAsync(CancellationToken cancellationToken)
    {
        if (!_writer.HasStoredWithin(ProbePeriod))
        {
            var probe = new SqliteProbe();
            _writer.Enqueue(probe);
            await probe.Completion.WaitAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _sweep.DisposeAsync();
        await _writer.DisposeAsync();
    }

    // Closes a log whose caller has stopped waiting for it.
    private async Task CloseAsync(Task<SqliteFeed> opening, IFeedTail tail)
    {
        try
        {
            _writer.TryEnqueue(new SqliteClose(await opening, tail));
        }
        catch (FeedUnavailableException)
        {
            // It was not opened, so there is nothing to close.
        }
    }
}
