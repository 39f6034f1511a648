using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore;

/// <summary>Logs what a sequence gives, element by element.</summary>
public static partial class SequenceLogging
{
    /// <summary>
    /// Logs each element and the completion at <paramref name="level"/>, and an exception as an error, and passes everything on unchanged.
    /// </summary>
    /// <typeparam name="T">The type of the elements; a log message has what their <see cref="object.ToString"/> gives.</typeparam>
    /// <param name="source">The sequence.</param>
    /// <param name="logger">Gets the log messages.</param>
    /// <param name="name">What the sequence is called in the log messages.</param>
    /// <param name="level">The level of elements and completion. Default: debug, as elements may hold what log messages should not.</param>
    /// <param name="cancellationToken">Stops the sequence; given by whoever enumerates.</param>
    /// <returns>The same elements, in the same order.</returns>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="source"/> or <paramref name="logger"/> is null; thrown when the sequence is enumerated.
    /// </exception>
    public static async IAsyncEnumerable<T> Log<T>(
        this IAsyncEnumerable<T> source,
        ILogger logger,
        string name,
        LogLevel level = LogLevel.Debug,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(logger);
        await using var elements = source.GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            try
            {
                if (!await elements.MoveNextAsync())
                {
                    break;
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                Cancelled(logger, level, name);
                throw;
            }
            catch (Exception exception)
            {
                Failed(logger, exception, name);
                throw;
            }
            Element(logger, level, name, elements.Current);
            yield return elements.Current;
        }
        Completed(logger, level, name);
    }

    [LoggerMessage(EventId = 20, Message = "[{Name}] element: {Element}", EventName = "Element")]
    private static partial void Element(ILogger logger, LogLevel level, string name, object? element);

    [LoggerMessage(EventId = 21, Message = "[{Name}] completed", EventName = "Completed")]
    private static partial void Completed(ILogger logger, LogLevel level, string name);

    [LoggerMessage(EventId = 22, Message = "[{Name}] cancelled", EventName = "Cancelled")]
    private static partial void Cancelled(ILogger logger, LogLevel level, string name);

    [LoggerMessage(23, LogLevel.Error, "[{Name}] failed", EventName = "Failed")]
    private static partial void Failed(ILogger logger, Exception exception, string name);
}
