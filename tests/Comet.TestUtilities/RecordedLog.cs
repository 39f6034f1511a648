using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Comet.TestUtilities;

/// <summary>Keeps all log messages of an app.</summary>
public sealed class RecordedLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<Entry> _entries = new();

    public IEnumerable<Entry> Entries => _entries;

    /// <summary>The messages, each followed by its exception.</summary>
    public IEnumerable<string> Lines => _entries.Select(entry => $"{entry.Message} {entry.Exception}");

    public IEnumerable<Entry> Errors => _entries.Where(entry => entry.Level >= LogLevel.Error);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter) =>
        _entries.Enqueue(new Entry(logLevel, eventId, formatter(state, exception), exception));

    public void Dispose()
    {
    }

    public sealed record Entry(LogLevel Level, EventId EventId, string Message, Exception? Exception);
}
