namespace Comet.AspNetCore;

/// <summary>What one stream does differently. Everything left null is as <see cref="CometServerOptions"/> says.</summary>
public sealed class CometOptions
{
    /// <summary>
    /// Sent at the start of the body instead of the usual document head, padding and helper script; script tags only.
    /// It is HTML and ends inside <c>body</c>. Inline scripts in it do not run: the response's nonce is not known to it.
    /// </summary>
    public ReadOnlyMemory<byte>? InitialChunk { get; init; }

    /// <inheritdoc cref="CometServerOptions.Padding"/>
    public int? Padding { get; init; }

    /// <inheritdoc cref="CometServerOptions.Heartbeat"/>
    public TimeSpan? Heartbeat { get; init; }

    /// <inheritdoc cref="CometServerOptions.MaxAge"/>
    public TimeSpan? MaxAge { get; init; }

    /// <inheritdoc cref="CometServerOptions.MaxBytes"/>
    public long? MaxBytes { get; init; }
}
