"""The formats and codecs that are opened: those in which speech is recorded.

FFmpeg has 370 demuxers and as many decoders, many of them for single games and rarely reviewed: they have
faults (an ADX file of 2 kB divides by zero in FFmpeg 8.1). Decoders of pictures are left out on purpose:
FFmpeg would decode a cover to learn its format, and one of 14,000 x 14,000 pixels takes 1.5 GB.
"""

_DEMUXERS = """
aac ac3 act aiff amr amrnb amrwb ape asf asf_o au avi caf dsf dts dtshd eac3 flac flv gsm iff ircam loas
matroska,webm mlp mov,mp4,m4a,3gp,3g2,mj2 mp3 mpc mpc8 mpeg mpegts mxf nistsphere nsv nut ogg oma qcp rm
rso sln sox spdif tak truehd tta voc w64 wav wsd wtv wv xwma
"""
DEMUXERS = frozenset(_DEMUXERS.split())
"""Names of FFmpeg's demuxers (`ffmpeg -demuxers`)."""

_DECODERS = """
8svx_exp 8svx_fib aac aac_latm ac3 alac als amrnb amrwb ape atrac1 atrac3 atrac3al atrac3plus
atrac3plusal cook dca dsd_lsbf dsd_lsbf_planar dsd_msbf dsd_msbf_planar dss_sp eac3 evrc flac g722
g723_1 g726 g726le g729 gsm gsm_ms ilbc libopencore_amrnb libopencore_amrwb libopus libspeex mace3 mace6
mlp mp1 mp1float mp2 mp2float mp3 mp3adu mp3adufloat mp3float mp3on4 mp3on4float mpc7 mpc8 nellymoser
opus qcelp qdm2 qdmc real_144 real_288 s302m sipr speex tak truehd truespeech tta vorbis wavpack
wmalossless wmapro wmav1 wmav2 wmavoice adpcm_ct adpcm_g722 adpcm_g726 adpcm_g726le adpcm_ima_apm
adpcm_ima_oki adpcm_ima_qt adpcm_ima_wav adpcm_ms adpcm_sbpro_2 adpcm_sbpro_3 adpcm_sbpro_4 adpcm_swf
adpcm_yamaha pcm_alaw pcm_bluray pcm_dvd pcm_f16le pcm_f24le pcm_f32be pcm_f32le pcm_f64be pcm_f64le
pcm_lxf pcm_mulaw pcm_s16be pcm_s16be_planar pcm_s16le pcm_s16le_planar pcm_s24be pcm_s24daud pcm_s24le
pcm_s24le_planar pcm_s32be pcm_s32le pcm_s32le_planar pcm_s64be pcm_s64le pcm_s8 pcm_s8_planar pcm_u16be
pcm_u16le pcm_u24be pcm_u24le pcm_u32be pcm_u32le pcm_u8 pcm_vidc
"""
DECODERS = frozenset(_DECODERS.split())
"""Names of FFmpeg's audio decoders (`ffmpeg -decoders`)."""

OPTIONS = {
    "protocol_whitelist": "none",  # a playlist or script must not reach for other files or hosts
    "format_whitelist": ",".join(sorted(DEMUXERS)),
    "codec_whitelist": ",".join(sorted(DECODERS)),
}
"""For `avformat_open_input`. Demuxer names that contain commas stay whole: FFmpeg compares lists."""

LENGTHLESS = frozenset({"aac", "ac3", "eac3", "dts", "loas", "truehd"})
"""Formats that consist of frames only: FFmpeg guesses their duration from the first ones, once 15 times too
high.
"""
