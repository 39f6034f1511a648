using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Options;

internal sealed class CometOptionsValidator : IValidateOptions<CometOptions>
{
    public ValidateOptionsResult Validate(string? name, CometOptions options)
    {
        var errors = new List<string>();
        Check(options.Padding is >= 1024 and <= 65_536, $"Comet:Padding is {options.Padding}; it must be 1024 to 65536 bytes.");
        CheckTime("Heartbeat", options.Heartbeat, TimeSpan.FromMilliseconds(250), TimeSpan.FromHours(1));
        CheckTime("WriteTimeout", options.WriteTimeout, TimeSpan.FromMilliseconds(250), TimeSpan.FromHours(1));
        CheckTime("MaxAge", options.MaxAge, TimeSpan.FromSeconds(1), TimeSpan.FromDays(365));
        CheckTime("ReconnectSpread", options.ReconnectSpread, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        CheckTime("Drain", options.Drain, TimeSpan.Zero, TimeSpan.FromHours(1));
        CheckLimit("MaxBytes", options.MaxBytes);
        CheckLimit("MaxStreams", options.MaxStreams);
        CheckLimit("MaxStreamsPerUser", options.MaxStreamsPerUser);
        CheckLimit("MaxStreamsPerAddress", options.MaxStreamsPerAddress);
        CheckLimit("MaxConnectsPerSecond", options.MaxConnectsPerSecond, most: 1_000_000);
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);

        void Check(bool holds, string error)
        {
            if (!holds)
            {
                errors.Add(error);
            }
        }

        void CheckTime(string key, TimeSpan? value, TimeSpan least, TimeSpan most) =>
            Check(value is null || (value >= least && value <= most), $"Comet:{key} is {value}; it must be {least} to {most}.");

        void CheckLimit(string key, long? value, long most = long.MaxValue) =>
            Check(value is null || (value > 0 && value <= most), $"Comet:{key} is {value}; it must be {(most == long.MaxValue ? "at least 1" : $"1 to {most}")}, or null for no limit.");
    }
}
