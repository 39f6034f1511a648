using System.Runtime.CompilerServices;

namespace Comet.AspNetCore;

/// <summary>
/// What one stream does differently. Everything left null is as <see cref="CometOptions"/> says, and has the same limits: a value beyond
/// them throws <see cref="ArgumentOutOfRangeException"/>.
/// </summary>
public sealed class CometStreamOptions
{
    /// <summary>
    /// Sent at the start of the body instead of the usual document head, padding and helper script; script tags only.
    /// It is HTML and ends inside <c>body</c>. Inline scripts in it do not run: the response's nonce is not known to it.
    /// </summary>
    public ReadOnlyMemory<byte>? InitialChunk { get; init; }

    /// <inheritdoc cref="CometOptions.Padding"/>
    public int? Padding
    {
        get;
        init => field = Check(value, 1024, 65_536);
    }

    /// <inheritdoc cref="CometOptions.Heartbeat"/>
    public TimeSpan? Heartbeat
    {
        get;
        init => field = Check(value, TimeSpan.FromMilliseconds(250), TimeSpan.FromHours(1));
    }

    /// <inheritdoc cref="CometOptions.MaxAge"/>
    public TimeSpan? MaxAge
    {
        get;
        init => field = Check(value, TimeSpan.FromSeconds(1), TimeSpan.FromDays(365));
    }

    /// <inheritdoc cref="CometOptions.MaxBytes"/>
    public long? MaxBytes
    {
        get;
        init => field = Check(value, 1, long.MaxValue);
    }

    private static T? Check<T>(T? value, T least, T most, [CallerMemberName] string name = "") where T : struct, IComparable<T> =>
        value is not { } given || (given.CompareTo(least) >= 0 && given.CompareTo(most) <= 0)
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"{name} must be {least} to {most}, or null.");
}
